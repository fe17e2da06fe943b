"""How many images of a batch a person looks at before it is accepted, which ones, and why. Pure arithmetic."""

from fulfillment.sampling.plan import SamplePlan, draw, miss_probability, plan_sample, smallest_sample

__all__ = ["SamplePlan", "draw", "miss_probability", "plan_sample", "smallest_sample"]
