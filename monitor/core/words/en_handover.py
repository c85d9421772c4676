"""English words of the page that is handed over."""

HANDOVER = {
    "title": "Hand-over of duty",
    "leaving": "Leaving",
    "coming": "Coming",
    "duty": "On duty",
    "no_roster": "no roster is configured",
    "incidents": "Open incidents",
    "alarms": "Open alarms",
    "muted": "Muted alarms",
    "notices": "Notices under way or refused",
    "planned": "Planned work within 24 hours",
    "troubles": "Troubles of this program",
    "none": "none",
    "suspected": "suspected",
    "confirmed": "confirmed",
    "recovering": "recovering",
    "is_planned": "planned work",
    "under_way": "under way",
    "waiting": "to begin",
    "signed": "Signed: entry {number} of the audit log, SHA-256 {sha256}",
    "not_recorded": "Signed, and the disk has not taken it yet, so it has no number; SHA-256 {sha256}",
}
