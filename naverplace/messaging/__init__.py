"""Message providers: SENS, Telegram and Slack, each in one file."""
