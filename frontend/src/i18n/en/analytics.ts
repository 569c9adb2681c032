export const analytics = {
  "analytics.period": "Period",
  "analytics.days": { one: "{count} day", other: "{count} days" },
  "analytics.finding.some": {
    one: "Campaigns earned {amount} in {count} day: {share} of the store's {total}.",
    other: "Campaigns earned {amount} in {count} days: {share} of the store's {total}.",
  },
  "analytics.finding.none": {
    one: "The store sold {total} in {count} day. None of it came from a campaign yet.",
    other: "The store sold {total} in {count} days. None of it came from a campaign yet.",
  },
  "analytics.model":
    "An order counts for the last campaign whose link its customer clicked up to {click} before, or else opened up to {open} before.",
  "analytics.attributed": "From campaigns",
  "analytics.total": "Store revenue",
  "analytics.share": "Share from campaigns",
  "analytics.share_detail": "of the store's revenue",
  "analytics.orders": "Orders",
  "analytics.aov": "{amount} on average",
  "analytics.against": {
    one: "{change} against the {count} day before",
    other: "{change} against the {count} days before",
  },
  "analytics.no_before": {
    one: "nothing in the {count} day before",
    other: "nothing in the {count} days before",
  },
  "analytics.chart.best": "Best day: {day} with {amount}",
  "analytics.chart.none": { one: "No sales in this {count} day", other: "No sales in these {count} days" },
  "analytics.chart.subtitle":
    "Revenue by day in {currency}, time zone {zone}. Campaigns are a part of the total.",
  "analytics.funnel.title": {
    one: "{share} of {count} visit ended with an order",
    other: "{share} of {count} visits ended with an order",
  },
  "analytics.funnel.none": "No visits were seen yet",
  "analytics.funnel.subtitle": "Visits seen by the storefront pixel; shares are of the step before",
  "analytics.step.page_viewed": "Visited the store",
  "analytics.step.product_viewed": "Looked at a product",
  "analytics.step.product_added_to_cart": "Put it in the cart",
  "analytics.step.checkout_started": "Started the checkout",
  "analytics.step.checkout_completed": "Ordered",
  "analytics.by_campaign.title": "{name} earned most: {amount}",
  "analytics.by_campaign.none": "No campaign earned anything in this period",
  "analytics.by_campaign.subtitle": "Revenue by campaign in {currency}",
  "analytics.by_campaign.wait": "Campaigns appear here with their first order.",
  "analytics.empty.title": "Nothing to measure yet",
  "analytics.empty.body":
    "Revenue appears after the first sync, visits as soon as the storefront pixel is on.",
  "analytics.empty.action": "Look at the pixel",
} as const;
