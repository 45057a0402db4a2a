from __future__ import annotations

from pathlib import Path

import pytest

from store.settings import Settings, SettingsError, load_settings


def test_the_defaults_are_private_to_this_machine(tmp_path: Path) -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.allow_remote) == ("127.0.0.1", 8700, False)
    assert (settings.redis_url, settings.database_url) == (None, None)
    assert settings.data_dir == tmp_path / "xdg" / "aisle"
    assert settings.previews_dir == settings.data_dir / "previews"
    assert settings.min_visitors == 3


def test_without_xdg_the_data_lies_in_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings().data_dir == tmp_path / ".local" / "share" / "aisle"


def test_arguments_win_over_the_environment_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "aisle.yaml"
    file.write_text("store: from-file\nport: 1\nmin_visitors: 5\nredis_url: redis://file/0\n")
    monkeypatch.setenv("AISLE_PORT", "2")
    monkeypatch.setenv("AISLE_STORE", "from-environment")
    monkeypatch.setenv("REDIS_URL", "redis://environment/0")
    settings = load_settings(file, store="from-argument", port=None)
    assert (settings.store, settings.port, settings.min_visitors) == ("from-argument", 2, 5)
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == "redis://environment/0"
    monkeypatch.setenv("AISLE_REDIS_URL", "redis://ours/0")
    monkeypatch.setenv("AISLE_CONFIG", str(file))
    settings = load_settings()
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == "redis://ours/0"
    assert (settings.store, settings.min_visitors) == ("from-environment", 5)


def test_an_empty_file_and_empty_variables_change_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing yet\n")
    monkeypatch.setenv("REDIS_URL", "")
    monkeypatch.setenv("AISLE_PORT", "")
    settings = load_settings(tmp_path / "empty.yaml")
    assert (settings.redis_url, settings.port) == (None, 8700)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "shop.example", ""])
def test_a_host_that_others_can_reach_must_be_meant(host: str) -> None:
    with pytest.raises(SettingsError, match="allow_remote"):
        load_settings(host=host)
    assert load_settings(host=host, allow_remote=True).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
def test_loopback_needs_no_permission(host: str) -> None:
    assert load_settings(host=host).host == host


def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2@host/0")
    settings = load_settings(database_url="postgresql://aisle:hunter2@host/shop")
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    for wrong in ({"redis_url": "http://:hunter2@host"}, {"database_url": "mysql://hunter2@host/x"}):
        with pytest.raises(SettingsError, match="must begin with") as caught:
            load_settings(**wrong)
        assert "hunter2" not in str(caught.value)
        assert next(iter(wrong)) in str(caught.value)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"port": 70_000}, r"port: .*65535"),
        ({"store": "a b"}, r"store: .*pattern"),
        ({"store": "../x"}, r"store: .*pattern"),
        ({"rate_limit": "often"}, "rate_limit: "),
        ({"min_visitors": 0}, "min_visitors: "),
        ({"retention_days": 0}, "retention_days: "),
        ({"colour": "red"}, "colour: "),
        ({"port": 1.5, "store": ""}, r"store: .*; port: "),
    ],
)
def test_a_wrong_value_is_named(values: dict[str, object], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load_settings(**values)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("store: [", "line 1: not YAML|line 2: not YAML"),
        ("- a\n- b\n", "expected fields such as 'store: shop', found a list"),
        ("stroe: shop\n", "stroe: Extra inputs"),
    ],
)
def test_a_wrong_file_is_named(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "aisle.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=says):
        load_settings(file)


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AISLE_CONFIG", str(tmp_path / "no.yaml"))
    with pytest.raises(SettingsError, match=r"no\.yaml: No such file"):
        Settings()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().port = 1  # type: ignore[misc]


def test_a_home_sign_is_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings(data_dir=Path("~/shop")).data_dir == tmp_path / "shop"
