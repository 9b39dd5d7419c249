//! `neighbors`: the loops that go with one file.
