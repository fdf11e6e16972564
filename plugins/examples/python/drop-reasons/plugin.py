"""Drops the events whose reason is in a configured list: {"reasons": ["Pulled", "Created"]}"""

import weir


class DropReasons(weir.Filter):
    # Called once, before the first event. What is raised here refuses the configuration, and weir says so.
    def setup(self, config):
        reasons = config.get("reasons")
        if not isinstance(reasons, list) or not reasons or not all(isinstance(reason, str) for reason in reasons):
            raise weir.Error("reasons: a list of texts is needed")
        self.reasons = frozenset(reasons)

    # Called for each event. Returning nothing keeps it.
    def process(self, event):
        reason = event.reason  # each field is asked of the host: keep what is needed twice
        if reason in self.reasons:
            return weir.drop(f"reason {reason}")
