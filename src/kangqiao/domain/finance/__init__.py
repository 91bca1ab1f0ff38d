"""Money that explains itself: who pays whom how much, from which figures, by which clause.

For: the joint-building fund by payer, released only after the appraisal is closed.
Nouns: budget figure, settlement, settlement line. States: `states.py`; a line is held until it is payable.
Policies: `finance` topic (ZH-4.2a to ZH-4.2f, SZ16-4.1.1b). Money is whole fen.
Stands on: appraisal, agreements, institutions.
"""
