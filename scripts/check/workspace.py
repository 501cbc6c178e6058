"""Answers one question about the workspace, a line for each answer, from `cargo metadata`."""

import json
import subprocess
import sys


def packages():
    """The workspace's members, by name."""
    command = ["cargo", "metadata", "--format-version", "1", "--no-deps"]
    members = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["packages"]
    return sorted(members, key=lambda package: package["name"])


def features():
    """Each feature of each member but `default`: package and feature."""
    for package in packages():
        for feature in sorted(package["features"]):
            if feature != "default":
                yield f"{package['name']} {feature}"


def with_features():
    """The members that have features."""
    return (package["name"] for package in packages() if package["features"])


def unpublished():
    """The members that never leave this repository."""
    return (package["name"] for package in packages() if package["publish"] == [])


def published():
    """The members that are for others: name and folder."""
    for package in packages():
        if package["publish"] != []:
            yield f"{package['name']} {package['manifest_path'].removesuffix('/Cargo.toml')}"


def examples():
    """The examples of all members."""
    for package in packages():
        for target in package["targets"]:
            if "example" in target["kind"]:
                yield target["name"]


def rust_version():
    """The oldest compiler that the members promise to build with."""
    return {package["rust_version"] for package in packages()}


QUESTIONS = {
    "examples": examples,
    "features": features,
    "published": published,
    "rust-version": rust_version,
    "unpublished": unpublished,
    "with-features": with_features,
}

if __name__ == "__main__":
    for line in QUESTIONS[sys.argv[1]]():
        print(line)
