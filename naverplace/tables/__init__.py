"""DynamoDB: the legacy's two tables, read and written so that both systems can share them."""
