"""Holds the dependency graph against deny.toml, in seconds and without the network.

What cargo-deny would say about licences, duplicate versions, banned crates, wildcards and sources. It stands in
for it where it is not installed; the rules are stated once, in deny.toml.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict

CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"


def main():
    with open("deny.toml", "rb") as file:
        policy = tomllib.load(file)
    metadata = read_metadata(policy["graph"]["targets"])
    complaints = list(check(metadata, policy))
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    print(f"{len(metadata['packages'])} packages, {len(complaints)} complaints")
    return 1 if complaints else 0


def read_metadata(targets):
    command = ["cargo", "metadata", "--format-version", "1", "--all-features"]
    for target in targets:
        command += ["--filter-platform", target]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def check(metadata, policy):
    """Every complaint, as text."""
    members = set(metadata["workspace_members"])
    foreign = [package for package in metadata["packages"] if package["id"] not in members]
    own = [package for package in metadata["packages"] if package["id"] in members]
    yield from check_licences(foreign, policy["licenses"])
    yield from check_sources(foreign)
    yield from check_bans(foreign, policy["bans"])
    yield from check_wildcards(own)
    yield from check_duplicates(metadata, policy["bans"])
    yield from check_rust_versions(own, foreign)


def check_licences(packages, policy):
    allowed = set(policy["allow"])
    exceptions = defaultdict(set)
    for entry in policy.get("exceptions", []):
        exceptions[entry["crate"].split("@")[0]].update(entry["allow"])
    for package in packages:
        expression = package["license"]
        if not expression:
            yield f"{named(package)} states no licence"
        elif not satisfied(expression, allowed | exceptions[package["name"]]):
            yield f"{named(package)} has the licence '{expression}', which licenses.allow does not cover"


def satisfied(expression, allowed):
    """Whether an SPDX expression leaves a choice that is allowed. Old crates write `/` for OR."""
    tokens = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))

    def any_of():
        good = all_of()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            good = all_of() or good
        return good

    def all_of():
        good = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            good = one() and good
        return good

    def one():
        if not tokens:
            raise ValueError(f"'{expression}' is not a licence expression: it ends early")
        token = tokens.pop(0)
        if token == "(":
            good = any_of()
            if not tokens or tokens.pop(0) != ")":
                raise ValueError(f"'{expression}' is not a licence expression: a bracket stays open")
            return good
        if tokens and tokens[0] == "WITH":
            tokens.pop(0)
            token = f"{token} WITH {tokens.pop(0)}"
        return token in allowed

    good = any_of()
    if tokens:
        raise ValueError(f"'{expression}' is not a licence expression: '{tokens[0]}' is left over")
    return good


def check_sources(packages):
    for package in packages:
        if package["source"] != CRATES_IO:
            yield f"{named(package)} comes from {package['source'] or 'a folder outside the workspace'}"


def check_bans(packages, policy):
    for package in packages:
        for entry in policy.get("deny", []):
            if is_about(entry, package["name"], package["version"]):
                yield f"{named(package)} is banned: {entry['reason']}"


def check_wildcards(packages):
    for package in packages:
        for dependency in package["dependencies"]:
            if dependency["req"] == "*" and not dependency.get("path"):
                yield f"{package['name']} takes any version of {dependency['name']}"


def check_duplicates(metadata, policy):
    skip = policy.get("skip", [])
    packages = {package["id"]: package for package in metadata["packages"]}
    versions = defaultdict(set)
    for identity in reachable(metadata):
        package = packages[identity]
        versions[package["name"]].add(package["version"])
    for name, found in sorted(versions.items()):
        kept = {version for version in found if not any(is_about(entry, name, version) for entry in skip)}
        if len(kept) > 1:
            yield f"{name} is there in {len(kept)} versions: {', '.join(sorted(kept))} (cargo tree --invert {name}@VERSION)"


def reachable(metadata):
    """What gets built for users of the members: development dependencies lead nowhere."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    seen, waiting = set(), list(metadata["workspace_members"])
    while waiting:
        identity = waiting.pop()
        if identity in seen:
            continue
        seen.add(identity)
        for dependency in nodes[identity]["deps"]:
            if any(kind["kind"] != "dev" for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    return seen


def check_rust_versions(own, foreign):
    promised = min(parse_version(package["rust_version"]) for package in own if package["rust_version"])
    for package in foreign:
        needed = package["rust_version"]
        if needed and parse_version(needed) > promised:
            yield f"{named(package)} needs Rust {needed}, newer than the workspace's rust-version"


def parse_version(text):
    numbers = [int(number) for number in text.split("-")[0].split(".")]
    return numbers + [0] * (3 - len(numbers))


def is_about(entry, name, version):
    """Whether an entry of deny.toml means this crate: `name`, `name@2` or `name@2.0.1`."""
    wanted, _, part = entry["crate"].partition("@")
    return name == wanted and (not part or f"{version}.".startswith(f"{part}."))


def named(package):
    return f"{package['name']} {package['version']}"


if __name__ == "__main__":
    sys.exit(main())
