//! In which forms commands write their tables.

use clap::{Args, ValueEnum};

/// `--format` of commands that write tables and no audio.
#[derive(Debug, Clone, Default, Args)]
pub struct TableFlags {
    /// Parquet writes each table as Parquet too, under the same name; CSV is always written
    #[arg(long, value_name = "FORMAT")]
    format: Vec<TableName>,
}

/// Names of forms of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TableName {
    /// CSV
    Csv,
    /// Parquet, beside the CSV
    #[cfg(feature = "parquet")]
    Parquet,
}

impl TableFlags {
    /// True where tables are to be Parquet too.
    pub fn parquet(&self) -> bool {
        self.format.iter().any(|name| *name != TableName::Csv)
    }
}
