"""`python -m services.routing`."""

from services.routing.main import create_app
from services.routing.settings import Settings
from shared.process import serve

if __name__ == "__main__":
    settings = Settings()
    serve(lambda: create_app(settings), settings, "routing")
