from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from minitorch.data.download import download

CONTENT = bytes(range(256)) * 700  # more than one chunk
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/missing/file":
            self.send_error(404)
            return
        content = {
            "/good/file": CONTENT,
            "/short/file": CONTENT[:-1],
            "/long/file": CONTENT + b"x",
            "/damaged/file": CONTENT[:-1] + b"x",
            "/broken/file": CONTENT,
        }[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:1000] if "broken" in self.path else content)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    httpd = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}/"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def fetch(server, path, *folders):
    download([f"{server}{folder}/file" for folder in folders], path, size=len(CONTENT), sha256=SHA256)


def test_download(server, tmp_path):
    fetch(server, tmp_path / "new" / "file", "good")
    assert (tmp_path / "new" / "file").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file"]


@pytest.mark.parametrize("bad", ["missing", "short", "long", "damaged", "broken"])
def test_the_next_address_is_tried(server, tmp_path, bad):
    fetch(server, tmp_path / "file", bad, "good")
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("missing", "Not Found"),
        ("short", f"expected {len(CONTENT)} bytes, got {len(CONTENT) - 1}"),
        ("long", f"expected {len(CONTENT)} bytes, got more"),
        ("damaged", f"the SHA-256 checksum is .*, expected {SHA256}"),
        ("broken", "IncompleteRead|expected"),
    ],
)
def test_nothing_is_left_of_a_failed_download(server, tmp_path, bad, message):
    with pytest.raises(ConnectionError, match=f"(?s)could not download file:.*/{bad}/file: .*(?:{message})"):
        fetch(server, tmp_path / "file", bad)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_download_leaves_an_older_file_as_it_was(server, tmp_path):
    (tmp_path / "file").write_text("older")
    with pytest.raises(ConnectionError):
        fetch(server, tmp_path / "file", "damaged")
    assert (tmp_path / "file").read_text() == "older"


def test_no_server_there(tmp_path):
    with pytest.raises(ConnectionError, match="refused"):
        fetch("http://127.0.0.1:9/", tmp_path / "file", "any")


def test_a_full_disk_is_not_taken_for_a_network_error(server, tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda number: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        fetch(server, tmp_path / "file", "good", "good")
    assert list(tmp_path.iterdir()) == []


def test_a_bar_only_on_terminals(server, tmp_path, capsys):
    fetch(server, tmp_path / "file", "good")
    assert capsys.readouterr() == ("", "")
