"""The door: YAML comes in, typed and frozen values of the core go on, or every mistake is named at once."""
