"""Clients of AWS and their errors: DynamoDB, Secrets Manager, the state table."""
