"""`python -m services.connections`: one process of the service."""

from services.connections.main import create_app
from services.connections.settings import Settings
from shared.process import serve

if __name__ == "__main__":
    settings = Settings()  # from the environment
    serve(lambda: create_app(settings), settings, "connections")
