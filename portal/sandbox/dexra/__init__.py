"""Dexra as its documentation describes it: conversations, messages, users, webhooks."""
