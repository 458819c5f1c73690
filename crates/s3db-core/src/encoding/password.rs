//! Password hashes: their full and compact forms.
