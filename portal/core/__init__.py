"""Pure decisions over plain values: no I/O, no clock, no framework.

    Address.parse -> registry values -> routing.resolve -> routing.decide -> a Decision
    raw ID token  -> tokens.verify_id_token -> VerifiedClaims -> admission.admit -> Admitted

    what files and forms want -> entries -> changes.diff -> what must change

May import: the standard library, idna, email-validator, joserfc, cryptography's exceptions. Never
os, socket or SQLAlchemy.
"""
