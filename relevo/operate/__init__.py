"""What an installation is operated with, all that the image needs: migrations, topics, secrets."""
