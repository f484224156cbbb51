"""NexaDesk: its endpoints, its answers, its limits."""
