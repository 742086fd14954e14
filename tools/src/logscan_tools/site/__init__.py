"""The documentation as a site: the repository's pages, and a reference made of packs and CRDs."""
