"""Who may call a provider when: one sliding window per key, people before background."""
