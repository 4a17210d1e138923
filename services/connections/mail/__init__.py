"""Mail: what people are told, and the one place that sends it."""
