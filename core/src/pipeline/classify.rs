//! `classify`: tags for files, by models of the user's own.
