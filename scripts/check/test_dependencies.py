"""Every rule of the dependency policy can fail."""

import unittest

from dependencies import CRATES_IO, check, satisfied

POLICY = {
    "licenses": {"allow": ["MIT", "Apache-2.0"]},
    "bans": {"skip": [], "deny": [{"crate": "openssl-sys", "reason": "TLS is rustls"}]},
}


def package(name, version="1.0.0", **changes):
    facts = {
        "id": f"{name} {version}",
        "name": name,
        "version": version,
        "license": "MIT",
        "source": CRATES_IO,
        "dependencies": [],
        "rust_version": "1.80",
    }
    return facts | changes


def graph(*packages, kind=None):
    """A workspace of one member that depends on all the packages."""
    member = package("ours", rust_version="1.90", source=None)
    links = [{"pkg": p["id"], "dep_kinds": [{"kind": kind}]} for p in packages]
    nodes = [{"id": member["id"], "deps": links}] + [{"id": p["id"], "deps": []} for p in packages]
    return {"packages": [member, *packages], "workspace_members": [member["id"]], "resolve": {"nodes": nodes}}


class Policy(unittest.TestCase):
    def complaints(self, metadata, policy=POLICY):
        return list(check(metadata, policy))

    def test_an_ordinary_graph_passes(self):
        self.assertEqual(self.complaints(graph(package("a"), package("b", license="MIT OR GPL-3.0"))), [])

    def test_licence_outside_the_list(self):
        self.assertIn("GPL-3.0", self.complaints(graph(package("a", license="GPL-3.0")))[0])
        self.assertIn("no licence", self.complaints(graph(package("a", license=None)))[0])

    def test_two_versions(self):
        pair = [package("a", "1.0.0"), package("a", "2.0.0")]
        self.assertIn("2 versions", self.complaints(graph(*pair))[0])
        self.assertEqual(self.complaints(graph(*pair, kind="dev")), [])
        for crate, complaints in [("a@1.0.0", 0), ("a@1", 0), ("a", 0), ("a@3", 1), ("b", 1)]:
            skipping = POLICY | {"bans": {"skip": [{"crate": crate, "reason": "old"}]}}
            self.assertEqual(len(self.complaints(graph(*pair), skipping)), complaints, crate)

    def test_banned_crate(self):
        self.assertIn("TLS is rustls", self.complaints(graph(package("openssl-sys")))[0])

    def test_foreign_source(self):
        self.assertIn("git+", self.complaints(graph(package("a", source="git+https://example.org/a")))[0])

    def test_wildcard(self):
        metadata = graph(package("a"))
        metadata["packages"][0]["dependencies"] = [{"name": "a", "req": "*"}]
        self.assertIn("any version of a", self.complaints(metadata)[0])

    def test_dependency_newer_than_our_compiler(self):
        self.assertIn("needs Rust 1.95", self.complaints(graph(package("a", rust_version="1.95.0")))[0])
        self.assertEqual(self.complaints(graph(package("a", rust_version="1.90.0"))), [])


class Expressions(unittest.TestCase):
    def test_table(self):
        for expression, good in [
            ("MIT", True),
            ("ISC", False),
            ("ISC OR MIT", True),
            ("ISC AND MIT", False),
            ("MIT/Apache-2.0", True),
            ("(ISC OR MIT) AND Apache-2.0", True),
            ("ISC OR MIT AND GPL-3.0", False),
            ("Apache-2.0 WITH LLVM-exception", False),
            ("Apache-2.0 WITH LLVM-exception OR MIT", True),
        ]:
            self.assertEqual(satisfied(expression, {"MIT", "Apache-2.0"}), good, expression)

    def test_nonsense_is_refused(self):
        for expression in ["MIT OR", "(MIT", "MIT MIT", "MIT )"]:
            with self.assertRaises(ValueError, msg=expression):
                satisfied(expression, {"MIT"})


if __name__ == "__main__":
    unittest.main()
