"""`python -m services.console`."""

from services.console.main import create_app
from services.console.settings import Settings
from shared.process import serve

if __name__ == "__main__":
    settings = Settings()
    serve(lambda: create_app(settings), settings, "console")
