"""What a run did: report, consistency, summaries, run document, metrics."""
