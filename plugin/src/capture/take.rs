//! A take: a stretch of sound without a seam.
