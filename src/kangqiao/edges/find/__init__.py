"""Finding anything from anywhere: people, organisations, pages and things to do, within the reader's reach."""
