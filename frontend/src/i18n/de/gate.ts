/** What the send gate says about each check. */
export const gate = {
  "gate.sender.ok": "Der Absender ist festgelegt",
  "gate.sender.stop": "Absendername und -adresse festlegen",
  "gate.subject.ok": "Es gibt einen Betreff",
  "gate.subject.stop": "Einen Betreff schreiben",
  "gate.template.ok": "Die Nachricht lässt sich ohne Fehler erstellen",
  "gate.template.stop": "Der Quelltext hat Fehler",
  "gate.content.ok": "Es gibt eine Nachricht",
  "gate.content.stop": "Die Nachricht ist leer",
  "gate.segment.ok": "Ein Segment ist gewählt",
  "gate.segment.stop": "Ein Segment wählen",
  "gate.recipients.ok": { one: "{count} Person bekommt sie", other: "{count} Personen bekommen sie" },
  "gate.recipients.stop": "Niemand bekäme sie",
  "gate.unsubscribe_link.ok": "Es gibt einen Abmeldelink",
  "gate.unsubscribe_link.stop": "Einen Abmeldelink einfügen: {{ unsubscribe_url }}",
  "gate.links.ok": "Jeder Link hat eine Adresse",
  "gate.links.ask": "Manche Links führen zu einem Platzhalter: {placeholders}",
  "gate.links_answer.ok": "Die Links antworten",
  "gate.links_answer.ask": "Manche Links führen ins Leere: {broken}",
  "gate.stock.ok": "Die gewählten Produkte sind zu haben",
  "gate.stock.ask": "Manche Produkte sind gerade nicht zu haben: {products}",
  "gate.products_deleted.ask": "Gewählte Produkte, die es im Shop nicht mehr gibt: {deleted}",
  "gate.size.ok": "Die Nachricht ist klein genug, um ganz gezeigt zu werden",
  "gate.size.ask": "Mailprogramme schneiden die Nachricht vielleicht ab",
  "gate.preview_text.ok": "Es gibt einen Vorschautext",
  "gate.preview_text.ask": "Ohne Vorschautext zeigt der Posteingang die ersten Wörter der Nachricht",
  "gate.merge_values.ok": "Für jeden Platzhalter hat jede Person einen Wert",
  "gate.merge_values.ask": "Manchen fehlt ein Wert, den die Nachricht zeigt: {missing}",
  "gate.sender_domain.ok": "{domain} ist als Ihre Domain bestätigt",
  "gate.sender_domain.ask":
    "{domain} ist nicht als Ihre Domain bestätigt: Fügen Sie sie unter Einstellungen, Versand hinzu",
  "gate.sender_domain.stop": "Bestätigen Sie {domain} als Ihre Domain unter Einstellungen, Versand",
  "gate.spf.ok": "SPF nennt, wer für die Domain senden darf",
  "gate.spf.ask": "Der SPF-Eintrag der Domain fehlt oder ist nicht richtig",
  "gate.dkim.ok": "Nachrichten tragen eine DKIM-Signatur",
  "gate.dkim.ask": "Der DKIM-Schlüssel der Domain wird im DNS nicht gefunden",
  "gate.dkim.stop": "Veröffentlichen Sie den DKIM-Schlüssel der Domain: Er wird im DNS nicht gefunden",
  "gate.dmarc.ok": "Die Domain hat eine DMARC-Richtlinie",
  "gate.dmarc.ask": "Die Domain hat keine DMARC-Richtlinie; große Aussendungen brauchen eine",
  "gate.dmarc.stop":
    "Veröffentlichen Sie eine DMARC-Richtlinie: Postfachanbieter lehnen Aussendungen dieser Größe ohne sie ab",
  "gate.alignment.ok": "Die Absenderadresse gehört zur Domain, die signiert",
  "gate.alignment.ask": "Die Absenderadresse gehört nicht zu {domain}, die signiert",
  "gate.alignment.stop":
    "Verwenden Sie eine Absenderadresse bei {domain}: Ihre Richtlinie verlangt genau dieselbe Domain",
  "gate.unsubscribe_signed.ok": "Die Signatur deckt die Abmelde-Kopfzeilen ab",
  "gate.unsubscribe_signed.ask":
    "{provider} signiert die Nachrichten: Sehen Sie an einer Testmail nach, ob die Signatur die Abmelde-Kopfzeilen abdeckt",
  "gate.test_size.ok": "Der Test ist groß genug",
  "gate.test_size.ask": "Eine Fassung geht nur an {smallest} Personen; unter {enough} zeigt ein Test wenig",
  "gate.exclusions.none": "Von den Gewählten bleibt niemand außen vor",
  "gate.exclusions.ok": "{excluded} von {members} Personen ({percent} %) bleiben außen vor. {reasons}",
  "gate.exclusions.ask":
    "Mehr als ein Drittel bleibt außen vor: {excluded} von {members} Personen ({percent} %). {reasons}",
  "gate.waits.none": "Niemand müsste warten",
  "gate.waits.ok": "{waiting} von {recipients} Personen bekämen sie später. {reasons}",
  "gate.waits.ask": "Mehr als ein Drittel bekäme sie später: {waiting} von {recipients} Personen. {reasons}",
  "gate.complaint_rate.ok":
    "Nur wenige haben Ihre Nachrichten der letzten {window_days} Tage als Spam gemeldet",
  "gate.complaint_rate.ask":
    "{percent} % Ihrer Nachrichten der letzten {window_days} Tage wurden als Spam gemeldet ({returned} von {messages}). Über {limit_percent} % wird nicht mehr gesendet: Schreiben Sie an Personen, die zuletzt geöffnet oder geklickt haben",
  "gate.complaint_rate.stop":
    "{percent} % Ihrer Nachrichten der letzten {window_days} Tage wurden als Spam gemeldet ({returned} von {messages}); über {limit_percent} % verstecken Postfachanbieter sie. Warten Sie, bis der Anteil gesunken ist, und beginnen Sie dann mit Personen, die zuletzt geöffnet oder geklickt haben",
  "gate.bounce_rate.ok": "Nur wenige Nachrichten der letzten {window_days} Tage kamen zurück",
  "gate.bounce_rate.ask":
    "{percent} % Ihrer Nachrichten der letzten {window_days} Tage gingen an Adressen, die es nicht gibt ({returned} von {messages}). Über {limit_percent} % wird nicht mehr gesendet: Lassen Sie alte Listen weg",
  "gate.bounce_rate.stop":
    "{percent} % Ihrer Nachrichten der letzten {window_days} Tage gingen an Adressen, die es nicht gibt ({returned} von {messages}), mehr als {limit_percent} %. Warten Sie, bis der Anteil gesunken ist, und lassen Sie Listen weg, deren Personen ihre Adresse nie bestätigt haben",
  "gate.transactional.ask":
    "Sie geht auch an Personen, die nichts abonniert haben: Sehen Sie nach, dass sie die Bestellung oder das Konto betrifft und für nichts wirbt",
  "gate.codes.ok": "Für alle gibt es einen Rabattcode",
  "gate.codes.no_set": "Die Nachricht zeigt einen Rabattcode: wählen Sie, woher die Codes kommen",
  "gate.codes.too_few": "Legen Sie mehr Codes an: von {discount} sind {free} übrig für {recipients} Personen",
  "gate.codes.being_made":
    "Codes von {discount} werden noch angelegt: {free} sind da für {recipients} Personen",
  "gate.codes.ended": "{discount} ist abgelaufen: die Codes gelten nicht mehr",
  "gate.codes.not_shown": "Codes sind gewählt, aber die Nachricht zeigt keinen: {{ discount_code }}",
  "gate.codes.ends_soon": "{discount} endet innerhalb von zwei Tagen nach dem Versand",
  "gate.codes.not_begun": "{discount} hat dann noch nicht begonnen: die Codes gelten anfangs nicht",
  "gate.codes.exported":
    "Codes von {discount} wurden heruntergeladen: manche sind vielleicht in anderen Händen",
  "gate.codes.few_left": "Nur noch {free} Codes für {recipients} Personen",
} as const;
