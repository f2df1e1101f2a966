"""What a person looks at: self-contained HTML reports made from run records."""
