import pytest

from datasets.manifest import Manifest, ManifestError, entries, read_manifest, verify, write_manifest


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "sub" / "b.txt").write_text("bb")
    (tmp_path / ".part").mkdir()
    (tmp_path / ".part" / "c.txt").write_text("unfinished")
    write_manifest(tmp_path, Manifest(entries(tmp_path), {"by": "test"}, {"files": 2}, "ours"))
    return tmp_path


def test_a_manifest_names_every_file_but_itself_and_hidden_ones(folder):
    manifest = verify(folder)
    assert [(entry.path, entry.bytes) for entry in manifest.files] == [("a.txt", 1), ("sub/b.txt", 2)]
    assert manifest.files[0].sha256 == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert manifest == read_manifest(folder)
    assert (manifest.made, manifest.counts, manifest.licence) == ({"by": "test"}, {"files": 2}, "ours")


def test_what_differs_is_named(folder):
    (folder / "a.txt").write_text("A")
    (folder / "new.txt").write_text("")
    (folder / "sub" / "b.txt").unlink()
    with pytest.raises(ManifestError, match=r"missing: sub/b.txt; not in the manifest: new.txt; changed: a.txt"):
        verify(folder)


@pytest.mark.parametrize("text", ["{", "[]", '{"files": [{"path": "a"}]}', '{"files": [], "colour": 1}'])
def test_what_is_no_manifest_is_refused(folder, text):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(ManifestError, match="is no manifest"):
        read_manifest(folder)


def test_a_folder_without_one_is_no_dataset(tmp_path):
    with pytest.raises(ManifestError, match="never finished"):
        verify(tmp_path)
