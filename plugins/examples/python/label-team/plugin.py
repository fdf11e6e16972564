"""Labels events with the team that owns their namespace: {"teams": {"shop": "payments"}}"""

import weir


class LabelTeam(weir.Filter):
    def setup(self, config):
        self.teams = config.get("teams")
        if not isinstance(self.teams, dict) or not all(isinstance(team, str) for team in self.teams.values()):
            raise weir.Error("teams: a map of namespaces to teams is needed")

    def process(self, event):
        namespace = event.namespace
        # The host's store is shared by all instances of this filter: attributes and variables here are not.
        if weir.state.add(f"{namespace}/{event.message}", 1, ttl=60_000) > 1:
            weir.count("throttled")
            return weir.drop("seen within a minute")
        team = self.teams.get(namespace)
        if team is not None:
            event.set("/metadata/labels/team", team)  # any value; it becomes JSON
            event.remove("/metadata/annotations")
            weir.count("labelled")
