"""NexaDesk as its documentation describes it: leads, contacts, conversations, webhooks."""
