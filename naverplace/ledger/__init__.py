"""The message ledger in DynamoDB: records, claims, store locks; every write is conditional."""
