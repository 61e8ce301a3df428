"""THE registry of what the gate can find: code -> the English sentence, with the facts that fill it in braces.

Pages say the same in other languages (``portal/privacy_words.py``; a test compares the two). A sentence says what was
met and what it means for people, in a clerk's words, without a person's row. ``{people}``, ``{columns}`` and
``{releases}`` come from the finding itself.
"""

from __future__ import annotations

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    # What is declared
    "nothing-personal": "No column about persons was found in the {looked} columns.",
    "not-public": "The dataset is not open: who reads it is decided by agreements, and what they get was not measured.",
    "not-looked": "{what} was not looked at: {why}.",
    # Detection, direct leaks (step 1)
    # One release against the truth (step 2)
    # Several releases together (steps 3, 4)
    # Rows linked between releases (step 5)
    # Tables of counts and sums (step 6)
    # Noise and its budget (step 7)
}
