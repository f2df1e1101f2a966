"""What prompts are made of: words, the vocabulary of training captions, and how short prompts are expanded."""
