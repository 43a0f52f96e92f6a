"""Files turned into Events, and Events into files: formats, the catalog, the prepared store, downloads."""
