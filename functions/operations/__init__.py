"""What is known of a model beside its answers: takes labels."""
