//! A take's beat grid, fitted over its marks.
