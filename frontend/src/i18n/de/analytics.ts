export const analytics = {
  "analytics.period": "Zeitraum",
  "analytics.days": { one: "{count} Tag", other: "{count} Tage" },
  "analytics.finding.some": {
    one: "Kampagnen brachten in {count} Tag {amount} ein: {share} der {total} des Shops.",
    other: "Kampagnen brachten in {count} Tagen {amount} ein: {share} der {total} des Shops.",
  },
  "analytics.finding.none": {
    one: "Der Shop verkaufte in {count} Tag {total}. Aus Kampagnen kam davon noch nichts.",
    other: "Der Shop verkaufte in {count} Tagen {total}. Aus Kampagnen kam davon noch nichts.",
  },
  "analytics.model":
    "Eine Bestellung zählt für die letzte Kampagne, deren Link davor geklickt wurde (Frist: {click}), sonst für die zuletzt geöffnete (Frist: {open}).",
  "analytics.attributed": "Aus Kampagnen",
  "analytics.total": "Umsatz des Shops",
  "analytics.share": "Anteil der Kampagnen",
  "analytics.share_detail": "am Umsatz des Shops",
  "analytics.orders": "Bestellungen",
  "analytics.aov": "im Mittel {amount}",
  "analytics.against": {
    one: "{change} gegenüber dem {count} Tag davor",
    other: "{change} gegenüber den {count} Tagen davor",
  },
  "analytics.no_before": {
    one: "nichts in dem {count} Tag davor",
    other: "nichts in den {count} Tagen davor",
  },
  "analytics.chart.best": "Bester Tag: {day} mit {amount}",
  "analytics.chart.none": {
    one: "Keine Verkäufe in diesem {count} Tag",
    other: "Keine Verkäufe in diesen {count} Tagen",
  },
  "analytics.chart.subtitle":
    "Umsatz nach Tagen in {currency}, Zeitzone {zone}. Kampagnen sind ein Teil des Ganzen.",
  "analytics.funnel.title": {
    one: "{share} von {count} Besuch endete mit einer Bestellung",
    other: "{share} von {count} Besuchen endeten mit einer Bestellung",
  },
  "analytics.funnel.none": "Noch wurden keine Besuche gesehen",
  "analytics.funnel.subtitle": "Besuche, die das Pixel im Shop sah; Anteile am Schritt davor",
  "analytics.step.page_viewed": "Im Shop gewesen",
  "analytics.step.product_viewed": "Produkt angesehen",
  "analytics.step.product_added_to_cart": "In den Warenkorb gelegt",
  "analytics.step.checkout_started": "Zur Kasse gegangen",
  "analytics.step.checkout_completed": "Bestellt",
  "analytics.by_campaign.title": "{name} brachte am meisten ein: {amount}",
  "analytics.by_campaign.none": "Keine Kampagne brachte in diesem Zeitraum etwas ein",
  "analytics.by_campaign.subtitle": "Umsatz nach Kampagne in {currency}",
  "analytics.by_campaign.wait": "Kampagnen erscheinen hier mit ihrer ersten Bestellung.",
  "analytics.empty.title": "Noch gibt es nichts zu messen",
  "analytics.empty.body":
    "Umsatz erscheint nach dem ersten Abgleich, Besuche, sobald das Pixel im Shop an ist.",
  "analytics.empty.action": "Zum Pixel",
} as const;
