"""The ways to people: text messages, Telegram, Slack."""
