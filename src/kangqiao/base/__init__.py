"""Django plumbing without a word of the field: base model, transition, access, audit, idempotency, pages."""
