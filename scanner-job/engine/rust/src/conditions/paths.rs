//! The paths of all conditions as one tree.
//!
//! A path may lead through objects and through names with dots: `log.level` is the name `log.level`, or `level` in the
//! object `log`. What was passed of a path is the same text in either case, so it is a node, and each node's branches
//! are all names that lead on from there.

use std::collections::HashMap;

/// The root, where the record itself is.
pub(super) const ROOT: u32 = 0;

#[derive(Debug, Default)]
pub(super) struct Paths {
    nodes: Vec<Node>,
    by_text: HashMap<String, u32>,
    paths: u32,
}

#[derive(Debug, Default)]
struct Node {
    /// By name, in order.
    branches: Vec<(Box<[u8]>, u32)>,
    /// The lengths of the names as bits, the last bit for all that are longer.
    lengths: u64,
    /// The place of the path that ends here.
    path: Option<u32>,
}

impl Paths {
    /// Adds a path; returns its place, that of the same path if it was added before.
    pub(super) fn add(&mut self, path: &str) -> u32 {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let dots = path.match_indices('.').map(|(place, _)| place);
        let ends: Vec<usize> = dots.chain([path.len()]).collect();
        let mut from = ROOT;
        let mut start = 0;
        for (place, end) in ends.iter().enumerate() {
            for later in &ends[place..] {
                let node = self.node(&path[..*later]);
                self.branch(from, &path.as_bytes()[start..*later], node);
            }
            from = self.node(&path[..*end]);
            start = end + 1;
        }
        *self.nodes[from as usize].path.get_or_insert_with(|| {
            self.paths += 1;
            self.paths - 1
        })
    }

    /// Returns how many paths there are.
    pub(super) fn len(&self) -> usize {
        self.paths as usize
    }

    fn node(&mut self, text: &str) -> u32 {
        if let Some(node) = self.by_text.get(text) {
            return *node;
        }
        let node = self.nodes.len() as u32;
        self.nodes.push(Node::default());
        self.by_text.insert(text.to_owned(), node);
        node
    }

    fn branch(&mut self, from: u32, name: &[u8], to: u32) {
        let node = &mut self.nodes[from as usize];
        let place = node
            .branches
            .binary_search_by(|(other, _)| (**other).cmp(name));
        if let Err(place) = place {
            node.branches.insert(place, (name.into(), to));
            node.lengths |= length_bit(name);
        }
    }

    /// Returns where a name leads from a node.
    #[inline]
    pub(super) fn follow(&self, node: u32, name: &[u8]) -> Option<u32> {
        let node = &self.nodes[node as usize];
        if node.lengths & length_bit(name) == 0 {
            return None;
        }
        let branches = &node.branches;
        let place = branches.binary_search_by(|(other, _)| (**other).cmp(name));
        place.ok().map(|place| branches[place].1)
    }

    /// Returns whether any name leads on from a node.
    pub(super) fn leads_on(&self, node: u32) -> bool {
        !self.nodes[node as usize].branches.is_empty()
    }

    /// Returns the path that ends at a node.
    pub(super) fn path(&self, node: u32) -> Option<u32> {
        self.nodes[node as usize].path
    }
}

fn length_bit(name: &[u8]) -> u64 {
    1 << name.len().min(63)
}

#[cfg(test)]
mod tests {
    use super::{Paths, ROOT};

    /// Returns the path to which names lead.
    fn path(paths: &Paths, names: &[&str]) -> Option<u32> {
        let follow = |node, name: &&str| paths.follow(node, name.as_bytes());
        paths.path(names.iter().try_fold(ROOT, follow)?)
    }

    #[test]
    fn names_with_dots_and_objects_lead_to_the_same() {
        let mut paths = Paths::default();
        let all = ["a.b.c", "a", "a.b.c", "b", "a..c", ""];
        let found = all.map(|path| paths.add(path));
        assert_eq!((found, paths.len()), ([0, 1, 0, 2, 3, 4], 5));
        for names in [
            &["a", "b", "c"][..],
            &["a.b", "c"],
            &["a", "b.c"],
            &["a.b.c"],
        ] {
            assert_eq!(path(&paths, names), Some(0), "{names:?}");
        }
        assert_eq!(path(&paths, &["a"]), Some(1));
        assert_eq!(path(&paths, &["a", "", "c"]), Some(3));
        assert_eq!(path(&paths, &[""]), Some(4));
        for names in [&["b", "c"][..], &["a", "b"], &["a.b.c", "c"], &["c"], &[]] {
            assert_eq!(path(&paths, names), None, "{names:?}");
        }
    }
}
