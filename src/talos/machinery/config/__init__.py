"""The machine configuration: documents, loader, patches, validation, generation."""
