//! Learning which tags a file has, of several at once.
