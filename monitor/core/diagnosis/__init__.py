"""Which components are broken: the set that best explains what all vantages see, good and bad.

`evidence` weighs what was seen, `acquittal` and `problem` take it apart, `search` finds the best answers,
`part` what comes to the same and what else fits, `answer` puts it into words; `consequences` says what a
fault means, `looks` which looks matter for it, `identifiability` what no look could tell apart.
"""

from monitor.core.diagnosis.answer import Cause, Diagnosis, Doubt, diagnose
from monitor.core.diagnosis.evidence import Evidence, Tuning, llr_of
from monitor.core.diagnosis.part import Rival

__all__ = ["Cause", "Diagnosis", "Doubt", "Evidence", "Rival", "Tuning", "diagnose", "llr_of"]
