//! Why a file is no model that can be used.

/// Why a model cannot be had from a file. The name is the file's, or what the caller called it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelFileError {
    /// The file cannot be read.
    #[error("{name}: cannot read: {problem}")]
    Read {
        /// The file.
        name: String,
        /// What the system says.
        problem: String,
    },
    /// The content is something else than a model.
    #[error("{name}: no model: it holds {found}; {advice}")]
    Kind {
        /// The file.
        name: String,
        /// What it holds.
        found: String,
        /// What can be done about it.
        advice: String,
    },
    /// A model of a known kind that contradicts itself or breaks off.
    #[error("{name}: a broken {kind} model: {problem}")]
    Broken {
        /// The file.
        name: String,
        /// The kind.
        kind: &'static str,
        /// What is wrong, and where.
        problem: String,
    },
    /// A whole model that does something which is not done here.
    #[error("{name}: cannot be used here: {problem}")]
    Unsupported {
        /// The file.
        name: String,
        /// What it asks for, and what to do instead.
        problem: String,
    },
    /// Its inputs cannot be bound to features.
    #[error("{name}: {problem}")]
    Columns {
        /// The file: the model or its `features.json`.
        name: String,
        /// Which columns, and what to do about them.
        problem: String,
    },
}
