"""`python -m services.ingest`."""

from services.ingest.main import create_app
from services.ingest.settings import Settings
from shared.process import serve

if __name__ == "__main__":
    settings = Settings()
    serve(lambda: create_app(settings), settings, "ingest")
