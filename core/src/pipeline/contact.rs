//! `contact-map`: all loops of a folder against each other.
