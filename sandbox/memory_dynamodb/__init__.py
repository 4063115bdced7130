"""DynamoDB in memory, in the typed form: tables, expressions, values. Held to moto by a test."""
