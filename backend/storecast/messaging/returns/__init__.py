"""What comes back of sent mail: pure readers of every form that it has, and one judgement of all of them."""
