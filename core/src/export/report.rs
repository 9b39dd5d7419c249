//! The page of a report: one folder that opens from disk, with no server and no network.
